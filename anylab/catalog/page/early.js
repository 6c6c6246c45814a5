document.documentElement.classList.add("js");try{var t=localStorage.getItem("anylab-theme");if(t)document.documentElement.dataset.theme=t}catch(e){}
